terraform {
  required_version = ">= 1.9"
}

variable "name" {
  description = "Name of the world."
  type        = string

  validation {
    condition     = length(var.name) > 0
    error_message = "A world has a name."
  }
}

variable "url" {
  description = "Public URL of the global router."
  type        = string

  validation {
    condition     = can(regex("^https?://", var.url))
    error_message = "The router's URL begins with http:// or https://."
  }
}

variable "default_region" {
  description = "The region that serves callers whose place is unknown."
  type        = string

  validation {
    condition     = contains(keys(var.regions), var.default_region)
    error_message = "default_region must be one of the regions."
  }
}

variable "regions" {
  description = "Regions by name. `code` (1 to 255) is given once and never again: it opens every activation id made in the region."
  type = map(object({
    code            = number
    url             = string
    replication_url = string
    public_key      = string
    place           = object({ name = string, lat = number, lon = number })
  }))

  validation {
    condition     = length(var.regions) > 0
    error_message = "A world has at least one region."
  }
  validation {
    condition     = alltrue([for r in var.regions : r.code >= 1 && r.code <= 255 && floor(r.code) == r.code])
    error_message = "A region's code is a whole number from 1 to 255."
  }
  validation {
    condition     = length(distinct([for r in var.regions : r.code])) == length(var.regions)
    error_message = "No two regions share a code."
  }
  validation {
    condition     = alltrue([for r in var.regions : abs(r.place.lat) <= 90 && abs(r.place.lon) <= 180])
    error_message = "A place has a latitude of -90 to 90 and a longitude of -180 to 180 degrees."
  }
}

output "world_json" {
  description = "The text of world.json."
  value = jsonencode({
    name          = var.name
    url           = var.url
    defaultRegion = var.default_region
    regions = [for id, r in var.regions : {
      id             = id
      code           = r.code
      place          = r.place
      url            = r.url
      replicationUrl = r.replication_url
      publicKey      = r.public_key
    }]
  })
}
