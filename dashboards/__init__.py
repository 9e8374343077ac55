"""What people look at: Grafana, Jaeger and the files that start them."""
