# Zones, public and private, with record sets of several kinds, an alias of the load balancer and a fail-over.

resource "aws_route53_zone" "public" {
  name    = "${var.name}.example"
  comment = "for everybody"
  tags    = { Name = var.name }
}

resource "aws_route53_zone" "private" {
  name = "corp.${var.name}.example"

  vpc {
    vpc_id = aws_vpc.this.id
  }
}

resource "aws_route53_record" "alias" {
  zone_id = aws_route53_zone.public.zone_id
  name    = aws_route53_zone.public.name
  type    = "A"

  alias {
    name                   = aws_lb.this.dns_name
    zone_id                = aws_lb.this.zone_id
    evaluate_target_health = true
  }
}

resource "aws_route53_record" "text" {
  zone_id = aws_route53_zone.public.zone_id
  name    = "text"
  type    = "TXT"
  ttl     = 300
  records = ["v=spf1 -all", "revision ${var.revision}"]
}

resource "aws_route53_record" "any" {
  zone_id = aws_route53_zone.private.zone_id
  name    = "*.any"
  type    = "CNAME"
  ttl     = 60
  records = ["web.corp.${var.name}.example"]
}

resource "aws_route53_record" "weighted" {
  for_each       = { one = 1, two = 2 }
  zone_id        = aws_route53_zone.private.zone_id
  name           = "web"
  type           = "A"
  ttl            = 30
  set_identifier = each.key
  records        = ["10.40.0.${each.value}"]

  weighted_routing_policy {
    weight = each.value
  }
}

resource "aws_route53_health_check" "web" {
  fqdn              = "web.${var.name}.example"
  port              = 80
  type              = "HTTP"
  resource_path     = "/health"
  failure_threshold = 2
  request_interval  = 10
  tags              = { Name = var.name }
}

resource "aws_route53_record" "primary" {
  zone_id         = aws_route53_zone.public.zone_id
  name            = "app"
  type            = "A"
  ttl             = 30
  set_identifier  = "first"
  health_check_id = aws_route53_health_check.web.id
  records         = ["198.51.100.1"]

  failover_routing_policy {
    type = "PRIMARY"
  }
}

resource "aws_route53_record" "secondary" {
  zone_id        = aws_route53_zone.public.zone_id
  name           = "app"
  type           = "A"
  ttl            = 30
  set_identifier = "second"
  records        = ["198.51.100.2"]

  failover_routing_policy {
    type = "SECONDARY"
  }
}

data "aws_route53_zone" "public" {
  name       = aws_route53_zone.public.name
  depends_on = [aws_route53_record.text]
}
