"""The gateway: HTTP and websocket for the browser, gRPC to the services, and no business of its own."""
