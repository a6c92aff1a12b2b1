"""What shipping costs, and the methods that staff keep."""
