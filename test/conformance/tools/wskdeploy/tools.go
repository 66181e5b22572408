//go:build tools

package tools

import _ "github.com/apache/openwhisk-wskdeploy"
