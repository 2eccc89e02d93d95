# The dashboards in a Grafana of yours, by Terraform. Set GRAFANA_URL and GRAFANA_AUTH. The rules are Prometheus' own files:
# load them into Prometheus, or with `mimirtool rules load` into Mimir and Grafana Cloud.
terraform {
  required_providers {
    grafana = {
      source  = "grafana/grafana"
      version = ">= 3.0"
    }
  }
}

variable "dashboards" {
  description = "The directory that `otel-claude export dashboards` wrote."
  type        = string
  default     = "../grafana/dashboards"
}

resource "grafana_folder" "claude" {
  title = "Claude"
  uid   = "otel-claude"
}

resource "grafana_dashboard" "claude" {
  for_each    = fileset(var.dashboards, "*.json")
  folder      = grafana_folder.claude.uid
  config_json = file("${var.dashboards}/${each.value}")
  overwrite   = true
}
