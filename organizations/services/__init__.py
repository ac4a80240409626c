"""What changes merchants' customers and their people: one module a noun, one function a business verb."""
