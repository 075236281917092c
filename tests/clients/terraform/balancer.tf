# A load balancer in both zones: one target group behind a path, everything else is redirected or told so.

resource "aws_lb" "this" {
  name               = var.name
  load_balancer_type = "application"
  subnets            = aws_subnet.this[*].id
  security_groups    = [aws_security_group.balancer.id]
  idle_timeout       = 30
  tags               = { Name = var.name }

  depends_on = [aws_internet_gateway.this]
}

resource "aws_lb_target_group" "web" {
  name                 = "${var.name}-web"
  port                 = 80
  protocol             = "HTTP"
  target_type          = "ip"
  vpc_id               = aws_vpc.this.id
  deregistration_delay = 5

  health_check {
    path    = "/healthz"
    matcher = "200-299"
  }

  stickiness {
    type            = "lb_cookie"
    cookie_duration = 60
  }
}

resource "aws_lb_target_group" "api" {
  name        = "${var.name}-api"
  port        = 8080
  protocol    = "HTTP"
  target_type = "ip"
  vpc_id      = aws_vpc.this.id
}

resource "aws_lb_target_group_attachment" "web" {
  target_group_arn = aws_lb_target_group.web.arn
  target_id        = cidrhost(aws_subnet.this[0].cidr_block, 100)
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }
}

resource "aws_lb_listener_rule" "api" {
  listener_arn = aws_lb_listener.http.arn
  priority     = var.revision == "one" ? 10 : 20

  action {
    type = "forward"

    forward {
      target_group {
        arn    = aws_lb_target_group.api.arn
        weight = 90
      }

      target_group {
        arn    = aws_lb_target_group.web.arn
        weight = 10
      }

      stickiness {
        enabled  = true
        duration = 600
      }
    }
  }

  condition {
    path_pattern { values = ["/api/*"] }
  }

  condition {
    host_header { values = ["*.example.com"] }
  }
}

resource "aws_lb_listener_rule" "old" {
  listener_arn = aws_lb_listener.http.arn
  priority     = 30

  action {
    type = "redirect"

    redirect {
      path        = "/new"
      status_code = "HTTP_302"
    }
  }

  condition {
    http_header {
      http_header_name = "X-Version"
      values           = ["old"]
    }
  }
}

resource "aws_lb_listener_rule" "none" {
  listener_arn = aws_lb_listener.http.arn
  priority     = 40

  action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      message_body = "nothing here"
      status_code  = "404"
    }
  }

  condition {
    query_string {
      key   = "debug"
      value = "*"
    }
  }
}

resource "aws_security_group_rule" "tcp" {
  type              = "ingress"
  security_group_id = aws_security_group.balancer.id
  protocol          = "tcp"
  from_port         = 5432
  to_port           = 5432
  cidr_blocks       = [aws_vpc.this.cidr_block]
}

resource "aws_lb" "tcp" {
  name               = "${var.name}-tcp"
  load_balancer_type = "network"
  internal           = true
  subnets            = [aws_subnet.this[0].id]
  security_groups    = [aws_security_group.balancer.id]
}

resource "aws_lb_target_group" "tcp" {
  name        = "${var.name}-tcp"
  port        = 5432
  protocol    = "TCP"
  target_type = "ip"
  vpc_id      = aws_vpc.this.id
}

resource "aws_lb_listener" "tcp" {
  load_balancer_arn = aws_lb.tcp.arn
  port              = 5432
  protocol          = "TCP"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.tcp.arn
  }
}

# TLS: two certificates of which the name that is asked for chooses one.

resource "aws_acm_certificate" "this" {
  for_each          = toset(["one", "two"])
  certificate_body  = file("${path.module}/${each.key}.pem")
  certificate_chain = file("${path.module}/authority.pem")
  private_key       = file("${path.module}/${each.key}.key")
  tags              = { Name = "${var.name}-${each.key}" }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = aws_acm_certificate.this["one"].arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }
}

resource "aws_lb_listener_certificate" "two" {
  listener_arn    = aws_lb_listener.https.arn
  certificate_arn = aws_acm_certificate.this["two"].arn
}

resource "aws_lb_target_group" "function" {
  name        = "${var.name}-function"
  target_type = "lambda"
}

data "aws_lb" "this" {
  arn = aws_lb.this.arn
}

data "aws_lb_target_group" "web" {
  name = aws_lb_target_group.web.name
}

data "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  port              = aws_lb_listener.http.port
}

output "balancer" {
  value = {
    name     = data.aws_lb.this.dns_name
    zone     = data.aws_lb.this.zone_id
    port     = data.aws_lb_target_group.web.port
    listener = data.aws_lb_listener.http.protocol
  }
}
