/** A chat completion's request, as it is sent. */
type Body = Record<string, unknown>;

/** What one server takes, learned from what it has refused, and remembered. */
export interface RequestAdapter {
  /** The request as this server takes it. */
  adapt(body: Body): Body;
  /** Learns from a refusal. Returns whether the request is worth sending again. */
  learn(body: Body, words: string): boolean;
}

const OLD = "max_tokens";
const NEW = "max_completion_tokens";

/** How OpenAI, Azure, Groq, Mistral (FastAPI) and others say that they do not know a parameter. */
const UNKNOWN =
  /unsupported|not (be )?supported|unrecogni[sz]ed|unknown|not permitted|not allowed|unexpected|extra_forbidden|additional propert/i;

/**
 * OpenAI's protocol has dialects: a server names the limit of tokens in the old or the new way,
 * and takes back a model's thoughts or refuses them.
 *
 * @param newer it is known to want the newer name.
 */
export function createRequestAdapter({ newer }: { newer: boolean }): RequestAdapter {
  let name = newer ? NEW : OLD;
  /** Whether both names were refused: then none is sent, and the server's own limit holds. */
  let without = false;
  let swapped = false;
  let takesThoughts = true;
  return {
    adapt({ [OLD]: old, [NEW]: renamed, ...body }) {
      const limit = old ?? renamed;
      return {
        ...body,
        ...(limit === undefined || without ? {} : { [name]: limit }),
        ...(takesThoughts ? {} : { messages: withoutThoughts(body.messages) }),
      };
    },
    learn(body, words) {
      if (!UNKNOWN.test(words)) return false;
      if (takesThoughts && /reasoning_content/.test(words)) {
        takesThoughts = false;
        return true;
      }
      // Another request may have learned it meanwhile.
      if (names(body, OLD, words) || names(body, NEW, words)) {
        const other = Object.hasOwn(body, OLD) ? NEW : OLD;
        if (without || name === other) return true;
        if (swapped) without = true;
        else name = other;
        swapped = true;
        return true;
      }
      return false;
    },
  };
}

/** Whether the words refuse this parameter, not only advise it. */
function names(body: Body, parameter: string, words: string): boolean {
  return Object.hasOwn(body, parameter) && new RegExp(`\\b${parameter}\\b`).test(words);
}

function withoutThoughts(messages: unknown): unknown {
  if (!Array.isArray(messages)) return messages;
  return messages.map(({ reasoning_content: _, ...message }) => message);
}
