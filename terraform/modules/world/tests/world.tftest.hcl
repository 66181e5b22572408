variables {
  name           = "test"
  url            = "https://functions.example.org"
  default_region = "us-east-1"
  regions = {
    us-east-1 = { code = 1, url = "https://us.example.org", replication_url = "https://us.example.org:8443", public_key = "a2V5", place = { name = "N. Virginia", lat = 38.9, lon = -77.4 } }
    eu-west-1 = { code = 2, url = "https://eu.example.org", replication_url = "https://eu.example.org:8443", public_key = "a2V5", place = { name = "Dublin", lat = 53.3, lon = -6.2 } }
  }
}

run "describes_every_region" {
  command = plan
  assert {
    condition     = length(jsondecode(output.world_json).regions) == 2
    error_message = "both regions stand in world.json"
  }
  assert {
    condition     = jsondecode(output.world_json).regions[0].replicationUrl == "https://eu.example.org:8443"
    error_message = "a region's replication service stands in world.json"
  }
}

run "refuses_a_code_given_twice" {
  command = plan
  variables {
    regions = {
      us-east-1 = { code = 1, url = "https://us.example.org", replication_url = "https://us.example.org:8443", public_key = "a2V5", place = { name = "N. Virginia", lat = 38.9, lon = -77.4 } }
      eu-west-1 = { code = 1, url = "https://eu.example.org", replication_url = "https://eu.example.org:8443", public_key = "a2V5", place = { name = "Dublin", lat = 53.3, lon = -6.2 } }
    }
  }
  expect_failures = [var.regions]
}

run "refuses_a_default_that_is_no_region" {
  command = plan
  variables { default_region = "mars-1" }
  expect_failures = [var.default_region]
}
