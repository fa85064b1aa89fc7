locals {
  # ARNs of Lambda layers for every function, such as the one of a tracing extension.
  layers = []
}
