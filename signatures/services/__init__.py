"""What can be done with a signature: one module a noun, one function a business verb."""
