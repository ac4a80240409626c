"""What can be done in the newsletter: subscribe, choose, leave; campaigns; what mail servers tell."""
