import {
  alternating,
  type Body,
  hasCalls,
  messagesOf,
  namesCalled,
  withMessages,
  withoutSystem,
  withOwnWords,
  withShortIds,
  withSignatures,
  withSingleCalls,
  withToolsCalled,
} from "./reshape_chat.ts";

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
  /** Where these words stand, too, it is another one's. */
  except?: RegExp;
  matters(body: Body): boolean;
  change(body: Body): Body;
}

const OLD = "max_tokens";
const NEW = "max_completion_tokens";

/** How OpenAI, Azure, Groq, Mistral (FastAPI) and others say that they do not know a parameter. */
const UNKNOWN =
  /unsupported|not (be )?support|cannot pass both|unrecogni[sz]ed|unknown|not permitted|not allowed|unexpected|extra_forbidden|additional propert/i;

/** What is refused of a limit is its number, and not its name. */
const NUMBER = /too large|at most|exceed|maximum|range|less than|greater than|between/i;

const without = (name: string, except?: RegExp): Lesson => ({
  except,
  words: [new RegExp(`\\b${name}\\b`)],
  matters: (body) => Object.hasOwn(body, name),
  change: ({ [name]: _, ...body }) => body,
});

/** Parameters that a server may not know. The two names of the limit are tried one after the other. */
const PARAMETERS = [without(OLD, NUMBER), without(NEW, NUMBER), without("stream"), {
  // llama.cpp calls it thinking, in the template of gpt-oss.
  words: [/reasoning_content|content and thinking/],
  matters: (body) => messagesOf(body).some((each) => Object.hasOwn(each, "reasoning_content")),
  change: (body) => withMessages(body, ({ reasoning_content: _, ...message }) => message),
}] satisfies Lesson[];

/** What servers say of messages that their models' templates cannot hold (vLLM, llama.cpp, LM Studio, Mistral). */
const TEMPLATES: readonly Lesson[] = [
  // Nobody needs it: `auto` is meant without it, too.
  without("tool_choice"),
  {
    // Anthropic's and Bedrock's words, behind LiteLLM and other gateways, in a last step.
    words: [/tools=|toolConfig|must define tools/i],
    matters: (body) => body.tools === undefined && namesCalled(body).length > 0,
    change: withToolsCalled,
  },
  {
    words: [
      /should alternat|must (be )?alternat|unexpected role|alternate between|(consecutive|successive) user/i,
    ],
    matters: isChangedBy(alternating),
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
    // Bedrock, behind gateways.
    words: [/content|text/i, /blank|non-?empty|(not|cannot) be empty|non-whitespace|got ""/i],
    matters: isChangedBy(withOwnWords),
    change: withOwnWords,
  },
  {
    // Cerebras says no more than that something is none.
    words: [
      /\bcontent\b|'NoneType'/i,
      /none is not|null'? (is )?not|expected a? ?string|(valid|be a) string|be null|got null|field required|object is not iterable|required properties/i,
    ],
    matters: (body) => messagesOf(body).some(({ content }) => content === null),
    change: (body) =>
      withMessages(body, (each) => each.content === null ? { ...each, content: "" } : each),
  },
  {
    // Mistral takes nine letters and digits, OpenAI 40 characters, Bedrock 64.
    words: [
      /tool[ _]?call[ _]ids?|\]\.id|tool_?use[._]?id/i,
      /length|too long|pattern|alphanumeric/i,
    ],
    matters: isChangedBy(withShortIds),
    change: withShortIds,
  },
  {
    // Llama's templates.
    words: [/(single|one|parallel|multiple) tool[- ]calls?/i],
    matters: isChangedBy(withSingleCalls),
    change: withSingleCalls,
  },
  {
    // A conversation that began with another model, which has no thoughts (DeepSeek, Kimi) …
    words: [/reasoning_content/, /missing|must be passed|required/i],
    matters: (body) => messagesOf(body).some(lacksThoughts),
    change: (body) =>
      withMessages(
        body,
        (each) => lacksThoughts(each) ? { ...each, reasoning_content: " " } : each,
      ),
  },
  {
    // … and no signatures (Gemini's compatible endpoint).
    words: [/thought_?signature/i],
    matters: isChangedBy(withSignatures),
    change: withSignatures,
  },
  {
    // Qwen's thinking models, Fireworks' long answers. It is read whole all the same.
    words: [/stream/i, /only supports? stream|non-stream|stream ?= ?(true|false)|must be stream/i],
    matters: ({ stream }) => stream !== true,
    change: (body) => ({ ...body, stream: true, stream_options: { include_usage: true } }),
  },
  { ...without("stream_options"), words: [/stream_options/, UNKNOWN] },
];

function isChangedBy(change: (body: Body) => Body): (body: Body) => boolean {
  return (body) => JSON.stringify(body) !== JSON.stringify(change(body));
}

function lacksThoughts(message: Record<string, unknown>): boolean {
  return hasCalls(message) && message.reasoning_content === undefined;
}

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
        .find((each) =>
          each.matters(body) && each.words.every((one) => one.test(words)) &&
          !each.except?.test(words)
        );
      if (!lesson) return false;
      learned.add(lesson);
      return true;
    },
  };
}
