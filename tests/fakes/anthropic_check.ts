// deno-lint-ignore no-explicit-any -- whatever was sent
type Any = any;

const PARAMETERS = new Set([
  "model",
  "messages",
  "system",
  "max_tokens",
  "tools",
  "tool_choice",
  "temperature",
  "stop_sequences",
  "stream",
  "thinking",
  "metadata",
]);

/** What Anthropic's Messages API answers with a 400, in its own words; undefined when it takes it. */
export function checkMessages(body: Any): string | undefined {
  for (const name of Object.keys(body)) {
    if (!PARAMETERS.has(name)) return `${name}: Extra inputs are not permitted`;
  }
  if (!Number.isInteger(body.max_tokens)) return "max_tokens: Field required";
  for (const [index, { name, input_schema }] of (body.tools ?? []).entries()) {
    const place = `tools.${index}.custom`;
    if (!/^[a-zA-Z0-9_-]{1,128}$/.test(name)) {
      return `${place}.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`;
    }
    if (input_schema?.type !== "object") return `${place}.input_schema.type: Field required`;
    if (["anyOf", "oneOf", "allOf"].some((each) => each in input_schema)) {
      return `${place}.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level`;
    }
    for (const key of Object.keys(input_schema.properties ?? {})) {
      if (/^[a-zA-Z0-9_.-]{1,64}$/.test(key)) continue;
      return `${place}.input_schema.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'`;
    }
  }
  return checkTurns(body);
}

function checkTurns({ messages, tools }: Any): string | undefined {
  if (messages[0]?.role !== "user") return 'messages: first message must use the "user" role';
  let open: string[] = [];
  const used = new Set<string>();
  for (const [index, { role, content }] of messages.entries()) {
    const blocks: Any[] = typeof content === "string" ? [{ type: "text", text: content }] : content;
    if (blocks.length === 0) return `messages.${index}: all messages must have non-empty content`;
    const results = blocks.filter(({ type }) => type === "tool_result");
    for (const { tool_use_id } of results) {
      if (open.includes(tool_use_id)) continue;
      return `messages.${index}.content.0: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${tool_use_id}`;
    }
    const missing = open.filter((id) => !results.some(({ tool_use_id }) => tool_use_id === id));
    if (missing.length > 0) {
      return `messages.${
        index - 1
      }: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${missing}`;
    }
    for (const { type, text } of blocks) {
      if (type !== "text") continue;
      if (text === "") return "messages: text content blocks must be non-empty";
      if (text.trim() === "") {
        return "messages: text content blocks must contain non-whitespace text";
      }
    }
    open = role === "assistant"
      ? blocks.filter(({ type }) => type === "tool_use").map(({ id }) => id)
      : [];
    for (const { type, name, input } of blocks) {
      if (type !== "tool_use") continue;
      if (!/^[a-zA-Z0-9_-]{1,200}$/.test(name)) {
        return `messages.${index}.content: tool_use.name: String should match pattern`;
      }
      if (typeof input !== "object" || input === null || Array.isArray(input)) {
        return `messages.${index}.content: tool_use.input: Input should be a valid dictionary`;
      }
    }
    if (open.some((id, at) => open.indexOf(id) < at || used.has(id))) {
      return `messages.${index}.content: \`tool_use\` ids must be unique`;
    }
    for (const id of open) used.add(id);
    if (open.some((id) => !/^[a-zA-Z0-9_-]+$/.test(id))) {
      return `messages.${index}.content: tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'`;
    }
    if (!tools && (open.length > 0 || results.length > 0)) {
      return "Requests which have `tool_use` or `tool_result` blocks in `messages` must define tools.";
    }
  }
}
