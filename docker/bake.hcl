# Builds the images of all controllers: docker buildx bake --file docker/bake.hcl

variable "VERSION" {
  default = "0.1.0"
}

# What goes before the images' names, with its slash at the end.
variable "REGISTRY" {
  default = ""
}

group "default" {
  targets = ["controller"]
}

target "controller" {
  name = controller
  matrix = {
    controller = ["source-controller", "kustomize-controller"]
  }
  context    = "."
  dockerfile = "docker/Dockerfile"
  args = {
    CONTROLLER = controller
  }
  tags = ["${REGISTRY}${controller}:${VERSION}"]
}
