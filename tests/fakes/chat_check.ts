/** What a server of chat completions says to a request that it refuses. */
export interface ChatRefusal {
  status: number;
  message: string;
  param?: string;
  code?: string;
}

/** Whose habits a server of chat completions has. */
export type Dialect =
  | "openai"
  | "azure"
  | "groq"
  | "lmstudio"
  | "ollama"
  | "mistral"
  | "llamacpp"
  /** With the template of a model that knows no instructions, and takes turns strictly. */
  | "vllm";

const PARAMETERS = new Set([
  "model",
  "messages",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "max_tokens",
  "max_completion_tokens",
  "temperature",
  "top_p",
  "n",
  "stop",
  "stream",
  "stream_options",
  "seed",
  "user",
  "response_format",
  "reasoning_effort",
]);

// deno-lint-ignore no-explicit-any -- whatever was sent
type Any = any;

/** What each vendor refuses with a 400 or 422, in its own words; undefined when it takes the request. */
export function checkChat(body: Any, dialect: Dialect): ChatRefusal | undefined {
  return checkParameters(body, dialect) ?? checkTools(body, dialect) ??
    checkMessages(body.messages, dialect) ?? checkCalls(body.messages, dialect) ??
    (dialect === "vllm" ? checkTemplate(body.messages) : undefined);
}

function checkParameters(body: Any, dialect: Dialect): ChatRefusal | undefined {
  for (const name of Object.keys(body)) {
    const isKnown = PARAMETERS.has(name) &&
      !(dialect === "mistral" && name === "max_completion_tokens");
    // Ollama and LM Studio leave out what they do not know.
    if (isKnown || ["ollama", "lmstudio", "llamacpp", "vllm"].includes(dialect)) continue;
    return dialect === "mistral"
      ? { status: 422, message: "Extra inputs are not permitted", param: name }
      : { status: 400, message: `Unrecognized request argument supplied: ${name}` };
  }
  // Azure's deployments have names of their own: nobody can tell by them what they think.
  const isNew = /(^|\/)(o\d|gpt-[5-9])/.test(body.model) || dialect === "azure";
  if ((dialect === "openai" || dialect === "azure") && isNew && "max_tokens" in body) {
    return {
      status: 400,
      message: "Unsupported parameter: 'max_tokens' is not supported with this model. " +
        "Use 'max_completion_tokens' instead.",
      param: "max_tokens",
      code: "unsupported_parameter",
    };
  }
}

function checkTools(body: Any, dialect: Dialect): ChatRefusal | undefined {
  const many = body.tools?.length ?? 0;
  if (many > 128 && ["openai", "azure", "groq"].includes(dialect)) {
    return {
      status: 400,
      message: "Invalid 'tools': array too long. Expected an array with maximum length 128, but " +
        `got an array with length ${many} instead.`,
      param: "tools",
      code: "array_above_max_length",
    };
  }
  for (const [index, { function: { name, parameters } }] of (body.tools ?? []).entries()) {
    if (!/^[a-zA-Z0-9_-]{1,64}$/.test(name)) {
      return {
        status: 400,
        message: `Invalid 'tools[${index}].function.name': string does not match pattern. ` +
          "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
        code: "invalid_value",
      };
    }
    const fault = schemaFault(parameters, "()");
    if (fault && dialect !== "ollama") {
      return {
        status: 400,
        message: `Invalid schema for function '${name}': ${fault}`,
        param: `tools[${index}].function.parameters`,
        code: "invalid_function_parameters",
      };
    }
  }
}

function schemaFault(schema: Any, place: string): string | undefined {
  if (schema?.type === undefined && place === "()") {
    return `schema must be a JSON Schema of 'type: "object"'`;
  }
  if (place === "()" && schema.type !== "object") {
    return `schema must be a JSON Schema of 'type: "object"', got 'type: "${schema.type}"'.`;
  }
  if (place === "()" && ["anyOf", "oneOf", "allOf", "enum", "not"].some((each) => each in schema)) {
    return "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level.";
  }
  if (schema?.type === "object" && schema.properties === undefined) {
    return `In context=${place}, object schema missing properties.`;
  }
  if (schema?.type === "array" && schema.items === undefined) {
    return `In context=${place}, array schema missing items.`;
  }
  // What only this vendor knows: no other server would find it.
  if (schema?.format === "refused-format") return `In context=${place}, 'format' is not permitted.`;
  for (const [name, each] of Object.entries(schema?.properties ?? {})) {
    const fault = schemaFault(each, `('properties', '${name}')`);
    if (fault) return fault;
  }
}

function checkMessages(messages: Any[], dialect: Dialect): ChatRefusal | undefined {
  const refused = (message: string): ChatRefusal => ({ status: 400, message, param: "messages" });
  let open: string[] = [];
  for (
    const [index, { role, content, tool_calls, tool_call_id, reasoning_content }] of messages
      .entries()
  ) {
    if (reasoning_content !== undefined && dialect === "groq") {
      return refused(
        `'messages.${index}' : for 'role:assistant' the following must be satisfied` +
          `[('messages.${index}' : property 'reasoning_content' is unsupported)]`,
      );
    }
    if (role === "tool") {
      if (!open.includes(tool_call_id)) {
        return refused(
          "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
        );
      }
      open = open.filter((id) => id !== tool_call_id);
    } else if (open.length > 0) {
      return refused(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to " +
          `each 'tool_call_id'. The following tool_call_ids did not have response messages: ${
            open.join(", ")
          }`,
      );
    }
    if (dialect === "mistral" && role === "user" && messages[index - 1]?.role === "tool") {
      return refused("Unexpected role 'user' after role 'tool'");
    }
    const isEmpty = content === null || content === undefined || content.length === 0;
    if (isEmpty && !tool_calls?.length && role !== "system") {
      return refused(
        `Invalid value for 'content': expected a string, got ${JSON.stringify(content)}.`,
      );
    }
    if (tool_calls) {
      for (const { function: { arguments: args } } of tool_calls) {
        if (typeof args !== "string") {
          return refused("tool_calls.function.arguments must be a string");
        }
      }
      open = tool_calls.map(({ id }: Any) => id);
    }
  }
  if (open.length > 0) return refused(`tool_call_ids did not have response messages: ${open}`);
}

/** Calls that come back as no server takes them. */
function checkCalls(messages: Any[], dialect: Dialect): ChatRefusal | undefined {
  const seen = new Set<string>();
  for (const [index, { tool_calls = [] }] of messages.entries()) {
    for (const [at, { id, function: { name, arguments: args } }] of tool_calls.entries()) {
      const place = `messages[${index}].tool_calls[${at}]`;
      if (!/^[a-zA-Z0-9_-]{1,64}$/.test(name)) {
        const message = `Invalid '${place}.function.name': string does not match pattern. ` +
          "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.";
        return { status: 400, message, param: `${place}.function.name`, code: "invalid_value" };
      }
      if (seen.has(id)) {
        return { status: 400, message: `tool call id ${id} is duplicated`, param: `${place}.id` };
      }
      seen.add(id);
      // Qwen's and others' templates take the arguments apart.
      if (dialect === "vllm" && !args.startsWith("{")) {
        return { status: 400, message: "Can only get item pairs from a mapping." };
      }
    }
  }
}

/** Gemma's and Mistral's templates, as vLLM and llama.cpp say it (vllm#6862, opencode#5034). */
function checkTemplate(messages: Any[]): ChatRefusal | undefined {
  if (messages[0].role === "system") return { status: 400, message: "System role not supported" };
  for (const [index, { role, content }] of messages.entries()) {
    const before = messages[index - 1]?.role;
    if (
      role === "user" ? before === "user" || before === "tool" : role === before && role !== "tool"
    ) {
      const message = "Conversation roles must alternate user/assistant/user/assistant/...";
      return { status: 400, message };
    }
    if (content === null) {
      return { status: 400, message: `messages.${index}.content: Input should be a valid string` };
    }
  }
}
