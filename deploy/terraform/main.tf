# The dashboards in a Grafana of yours, by Terraform. Set GRAFANA_URL and GRAFANA_AUTH. The rules are Prometheus' own files:
# load them into Prometheus, or with `mimirtool rules load` into Mimir and Grafana Cloud.
terraform {
  required_version = ">= 1.3"

  required_providers {
    grafana = {
      source  = "grafana/grafana"
      version = "~> 4.0"
    }
  }
}

variable "dashboards" {
  description = "A directory that `otel-claude export dashboards` wrote, if it is another than that of this module."
  type        = string
  default     = null
}

locals {
  dashboards = coalesce(var.dashboards, "${path.module}/../grafana/dashboards")
}

resource "grafana_folder" "claude" {
  title = "Claude"
  uid   = "otel-claude"
}

resource "grafana_dashboard" "claude" {
  for_each    = fileset(local.dashboards, "*.json")
  folder      = grafana_folder.claude.uid
  config_json = file("${local.dashboards}/${each.value}")
  overwrite   = true
}
