locals {
  # A bundle is always called index.mjs; its exports keep their names.
  handlers = { for name, fn in local.functions : name => "index.${reverse(split(".", fn.handler))[0]}" }
}
