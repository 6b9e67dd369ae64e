"""What the tests run for python-arq where that is not installed: its worker's protocol in Redis."""
