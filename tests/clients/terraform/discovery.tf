# Cloud Map: a service that is found by a name of DNS, and one that is asked for.

resource "aws_service_discovery_private_dns_namespace" "this" {
  name        = "${var.name}.internal"
  description = "names of the shop, ${var.revision}"
  vpc         = aws_vpc.this.id
}

resource "aws_service_discovery_service" "web" {
  name        = "web"
  description = "the front, ${var.revision}"

  dns_config {
    namespace_id   = aws_service_discovery_private_dns_namespace.this.id
    routing_policy = "MULTIVALUE"

    dns_records {
      type = "A"
      ttl  = var.revision == "one" ? 10 : 20
    }
  }

  health_check_custom_config {
    failure_threshold = 1
  }
}

resource "aws_service_discovery_instance" "web" {
  service_id  = aws_service_discovery_service.web.id
  instance_id = "first"

  attributes = {
    AWS_INSTANCE_IPV4 = "10.40.0.10"
    revision          = var.revision
  }
}

resource "aws_service_discovery_http_namespace" "this" {
  name = "${var.name}-http"
  tags = { Name = var.name }
}

resource "aws_service_discovery_service" "jobs" {
  name         = "jobs"
  namespace_id = aws_service_discovery_http_namespace.this.id
}

data "aws_service_discovery_dns_namespace" "this" {
  name = aws_service_discovery_private_dns_namespace.this.name
  type = "DNS_PRIVATE"
}

data "aws_service_discovery_service" "web" {
  name         = aws_service_discovery_service.web.name
  namespace_id = data.aws_service_discovery_dns_namespace.this.id
}

# ECS lists the tasks of service.tf here.
resource "aws_service_discovery_service" "tasks" {
  name = "tasks"

  dns_config {
    namespace_id = aws_service_discovery_private_dns_namespace.this.id

    dns_records {
      type = "A"
      ttl  = 5
    }
  }
}
