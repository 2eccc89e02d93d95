"""What the sources share that call Claude by HTTP: how a body is read, and what became of it. Imports none of them."""
