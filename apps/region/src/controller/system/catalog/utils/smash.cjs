/** Puts everything it is given below one field, whose name stands in `$fieldName`. */
function main({ $fieldName: field, ...rest }) {
  if (typeof field !== 'string') return { error: "Expected an argument '$fieldName' of type 'string'." };
  return { [field]: rest };
}
