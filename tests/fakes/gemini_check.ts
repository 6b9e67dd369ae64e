// deno-lint-ignore no-explicit-any -- whatever was sent
type Any = any;

const FIELDS = new Set([
  "contents",
  "systemInstruction",
  "generationConfig",
  "tools",
  "toolConfig",
  "safetySettings",
]);

/** What Gemini answers with a 400 INVALID_ARGUMENT, in its own words; undefined when it takes it. */
export function checkContents(body: Any): string | undefined {
  for (const name of Object.keys(body)) {
    if (FIELDS.has(name)) continue;
    return `Invalid JSON payload received. Unknown name "${name}": Cannot find field.`;
  }
  const declarations: Any[] = body.tools?.[0]?.functionDeclarations ?? [];
  for (const [index, { name, parameters, parametersJsonSchema }] of declarations.entries()) {
    const place = `GenerateContentRequest.tools[0].function_declarations[${index}]`;
    if (!/^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/.test(name)) {
      return `${place}.name: Invalid function name.`;
    }
    const fault = schemaFault(parameters ?? parametersJsonSchema, `${place}.parameters`);
    if (fault) return fault;
  }
  return checkTurns(body.contents);
}

function schemaFault(schema: Any, place: string): string | undefined {
  if (
    schema?.type === "array" && schema.items?.type === undefined &&
    schema.items?.anyOf === undefined
  ) {
    return `${place}.items: missing field.`;
  }
  if (schema?.format === "refused-format") {
    return `${place}.format: only 'enum' and 'date-time' are supported for STRING type`;
  }
  for (const [name, each] of Object.entries(schema?.properties ?? {})) {
    const fault = schemaFault(each, `${place}.properties[${name}]`);
    if (fault) return fault;
  }
}

function checkTurns(contents: Any[]): string | undefined {
  if (!contents?.length) return "GenerateContentRequest.contents: contents is not specified";
  let calls = 0;
  for (const [index, { role, parts }] of contents.entries()) {
    if (!parts?.length) {
      return `GenerateContentRequest.contents[${index}].parts: contents.parts must not be empty.`;
    }
    const responses = parts.filter((part: Any) => part.functionResponse).length;
    if (responses !== calls) {
      return "Please ensure that the number of function response parts is equal to the number of " +
        "function call parts of the function call turn.";
    }
    for (const part of parts) {
      if (Object.keys(part).length > 0 && part.text !== "") continue;
      return `GenerateContentRequest.contents[${index}].parts: required oneof field 'data' must have one initialized field`;
    }
    for (const { functionCall } of parts) {
      if (!functionCall) continue;
      if (!/^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/.test(functionCall.name ?? "")) {
        return `GenerateContentRequest.contents[${index}].parts[0].function_call.name: Name cannot be empty.`;
      }
      if (Array.isArray(functionCall.args)) {
        return `Invalid value at 'contents[${index}].parts[0].function_call.args' (type.googleapis.com/google.protobuf.Struct)`;
      }
    }
    const called = parts.filter((part: Any) => part.functionCall);
    if (role === "model" && called.length > 0 && !called[0].thoughtSignature) {
      return "Function call is missing a thought_signature in functionCall parts. This is required " +
        "for tools to work correctly.";
    }
    calls = role === "model" ? called.length : 0;
  }
  if (calls > 0) {
    return "Please ensure that function call turn comes before a function response turn.";
  }
}
