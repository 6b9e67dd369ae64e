import { partsIn } from "./answer/parts.ts";

/** A chat completion's request, as it is sent. */
type Body = Record<string, unknown>;
type Message = Record<string, unknown>;

/** What one server takes, learned from what it has refused, and remembered. */
export interface RequestAdapter {
  /** The request as this server takes it. */
  adapt(body: Body): Body;
  /** Learns from a refusal. Returns whether the request is worth sending again. */
  learn(body: Body, words: string): boolean;
}

/** A habit of some servers: by which words it is known, in which requests it matters, and what they take instead. */
interface Lesson {
  /** All of them. */
  words: readonly RegExp[];
  matters(body: Body): boolean;
  change(body: Body): Body;
}

const OLD = "max_tokens";
const NEW = "max_completion_tokens";

/** How OpenAI, Azure, Groq, Mistral (FastAPI) and others say that they do not know a parameter. */
const UNKNOWN =
  /unsupported|not (be )?supported|unrecogni[sz]ed|unknown|not permitted|not allowed|unexpected|extra_forbidden|additional propert/i;

const without = (name: string): Lesson => ({
  words: [new RegExp(`\\b${name}\\b`)],
  matters: (body) => Object.hasOwn(body, name),
  change: ({ [name]: _, ...body }) => body,
});

/** Parameters that a server may not know. The two names of the limit are tried one after the other. */
const PARAMETERS = [without(OLD), without(NEW), without("tool_choice"), without("stream"), {
  words: [/reasoning_content/],
  matters: (body) => messagesOf(body).some((each) => Object.hasOwn(each, "reasoning_content")),
  change: (body) => ({
    ...body,
    messages: messagesOf(body).map(({ reasoning_content: _, ...message }) => message),
  }),
}] satisfies Lesson[];

/** What servers say of messages that their models' templates cannot hold (vLLM, llama.cpp, LM Studio, Mistral). */
const TEMPLATES: readonly Lesson[] = [
  {
    // Anthropic's and Bedrock's words, behind LiteLLM and other gateways, in a last step.
    words: [/tools=|toolConfig|must define tools/i],
    matters: (body) => body.tools === undefined && namesCalled(body).length > 0,
    change: withToolsCalled,
  },
  {
    words: [
      /roles? (must|should) (be )?alternat|unexpected role|alternate between|consecutive user/i,
    ],
    matters: (body) => JSON.stringify(body) !== JSON.stringify(alternating(body)),
    change: alternating,
  },
  {
    // Mistral's first templates call it a matter of alternating, too.
    words: [
      /system(['"`]? role| message| prompt)?s? (is |are )?not supported|not support (the )?['"`]?system|got system|unknown role:? ['"`]?system|roles? (must|should) (be )?alternat|only user and assistant roles/i,
    ],
    matters: (body) => messagesOf(body)[0]?.role === "system",
    change: withoutSystem,
  },
  {
    words: [
      /\bcontent\b/i,
      /none is not|null is not|expected a? ?string|(valid|be a) string|be null|got null|field required/i,
    ],
    matters: (body) => messagesOf(body).some(({ content }) => content === null),
    change: (body) => ({
      ...body,
      messages: messagesOf(body).map((each) =>
        each.content === null ? { ...each, content: "" } : each
      ),
    }),
  },
];

/**
 * OpenAI's protocol has dialects: a server names the limit of tokens in the old or the new way,
 * takes back a model's thoughts or refuses them, and has a template that knows no instructions.
 *
 * @param newer it is known to want the newer name of the limit.
 */
export function createRequestAdapter({ newer }: { newer: boolean }): RequestAdapter {
  const learned = new Set<Lesson>();
  const [withoutOld, withoutNew] = PARAMETERS;
  const names = newer ? [NEW, OLD] : [OLD, NEW];

  function nameOfLimit(): string | undefined {
    return names.find((name) => !learned.has(name === OLD ? withoutOld : withoutNew));
  }

  return {
    adapt({ [OLD]: old, [NEW]: renamed, ...body }) {
      const limit = old ?? renamed;
      const name = nameOfLimit();
      // Gateways that know mostly streams take nothing said for a wish for one.
      const whole = { stream: false, ...body };
      const changed = [...PARAMETERS, ...TEMPLATES].filter((each) => learned.has(each))
        .reduce<Body>((sum, { change }) => change(sum), whole);
      return {
        ...changed,
        ...(limit === undefined || name === undefined ? {} : { [name]: limit }),
      };
    },
    learn(body, words) {
      // What another request has learned meanwhile matters to this one, too.
      const lesson = [...UNKNOWN.test(words) ? PARAMETERS : [], ...TEMPLATES]
        .find((each) => each.matters(body) && each.words.every((one) => one.test(words)));
      if (!lesson) return false;
      learned.add(lesson);
      return true;
    },
  };
}

function messagesOf({ messages }: Body): Message[] {
  return partsIn(messages);
}

/** Users' turns that follow each other become one; between a tool's and a user's the model nods. */
function alternating(body: Body): Body {
  const messages: Message[] = [];
  for (const message of messagesOf(body)) {
    const last = messages.at(-1);
    if (message.role === "user" && last?.role === "user") {
      messages[messages.length - 1] = { ...last, content: joined(last.content, message.content) };
      continue;
    }
    if (message.role === "user" && last?.role === "tool") {
      messages.push({ role: "assistant", content: "Noted." });
    }
    messages.push(message);
  }
  return { ...body, messages };
}

/** Instructions where there is no place for them: before what the user says first. */
function withoutSystem(body: Body): Body {
  const [first, ...others] = messagesOf(body);
  const at = others.findIndex(({ role }) => role === "user");
  if (first?.role !== "system" || at < 0) return body;
  const user = others[at];
  others[at] = { ...user, content: joined(first.content, user.content) };
  return { ...body, messages: others };
}

function namesCalled(body: Body): string[] {
  const calls = messagesOf(body).flatMap(({ tool_calls }) => partsIn(tool_calls));
  const names = calls.flatMap((call) => partsIn(call.function)).map(({ name }) => String(name));
  return [...new Set(names)];
}

/** A request that names the tools of its calls, and lets none be called. */
function withToolsCalled(body: Body): Body {
  if (body.tools !== undefined) return body;
  const names = namesCalled(body);
  if (names.length === 0) return body;
  const tools = names.map((name) => ({
    type: "function",
    function: { name, description: name, parameters: { type: "object", properties: {} } },
  }));
  return { ...body, tools, tool_choice: "none" };
}

function joined(one: unknown, other: unknown): unknown {
  if (typeof one === "string" && typeof other === "string") return `${one}\n\n${other}`;
  return [one, other].flat().map((each) =>
    typeof each === "string" ? { type: "text", text: each } : each
  );
}
