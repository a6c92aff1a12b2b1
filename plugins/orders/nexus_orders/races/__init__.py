"""What must hold when many buyers come at once, proved over the routes that every client uses."""
