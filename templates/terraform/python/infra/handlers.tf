locals {
  handlers = { for name, fn in local.functions : name => fn.handler }
}
