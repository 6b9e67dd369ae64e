/** Which model works on tasks, and where it is reached. */
export interface ModelSettings {
  provider: "gemini" | "ollama" | "openai" | "anthropic";
  /** The provider's name for people. */
  label: string;
  model: string;
  /** Without a slash at its end. */
  baseUrl: string;
  /** A secret. */
  apiKey?: string;
}

/** The parsed variables that choose a model; the names are Otto's own. */
export interface ModelVariables {
  USE_GEMINI: boolean;
  GOOGLE_API_KEY?: string;
  GEMINI_MODEL: string;
  GOOGLE_GEMINI_BASE_URL: string;
  USE_OLLAMA: boolean;
  OLLAMA_BASE_URL: string;
  OLLAMA_MODEL: string;
  OPENAI_API_KEY?: string;
  OPENAI_MODEL: string;
  OPEN_AI_BASE?: string;
  ANTHROPIC_API_KEY?: string;
  ANTHROPIC_MODEL: string;
  ANTHROPIC_BASE_URL: string;
}

const OPENAI_BASE = "https://api.openai.com/v1";

/** What to set for a model, for people who have none. */
export const MODEL_VARIABLES = "OPENAI_API_KEY (or OPEN_AI_BASE, for a compatible server), " +
  "ANTHROPIC_API_KEY, USE_OLLAMA=true, or USE_GEMINI=true with GOOGLE_API_KEY";

/**
 * The model that the variables choose: Gemini before Ollama before OpenAI before
 * Anthropic; none when nothing is set.
 *
 * @returns a text instead when they contradict each other: what to set.
 */
export function chooseModel(set: ModelVariables): ModelSettings | string | undefined {
  if (set.USE_GEMINI) {
    if (set.GOOGLE_API_KEY === undefined) {
      return "Cannot use Gemini (USE_GEMINI) without a key: set GOOGLE_API_KEY too, or unset USE_GEMINI.";
    }
    return {
      provider: "gemini",
      label: "Gemini",
      model: set.GEMINI_MODEL,
      baseUrl: versioned(set.GOOGLE_GEMINI_BASE_URL, "v1beta"),
      apiKey: set.GOOGLE_API_KEY,
    };
  }
  if (set.USE_OLLAMA) {
    return {
      provider: "ollama",
      label: "Ollama",
      model: set.OLLAMA_MODEL,
      // There it speaks OpenAI's protocol.
      baseUrl: versioned(set.OLLAMA_BASE_URL, "v1"),
    };
  }
  if (set.OPENAI_API_KEY !== undefined || set.OPEN_AI_BASE !== undefined) {
    const baseUrl = trimmed(set.OPEN_AI_BASE ?? OPENAI_BASE);
    if (set.OPENAI_API_KEY === undefined && new URL(baseUrl).hostname === "api.openai.com") {
      return "Cannot use OpenAI (OPEN_AI_BASE) without a key: set OPENAI_API_KEY.";
    }
    return {
      provider: "openai",
      label: baseUrl === OPENAI_BASE ? "OpenAI" : `OpenAI-compatible at ${new URL(baseUrl).host}`,
      model: set.OPENAI_MODEL,
      baseUrl,
      apiKey: set.OPENAI_API_KEY,
    };
  }
  if (set.ANTHROPIC_API_KEY !== undefined) {
    return {
      provider: "anthropic",
      label: "Anthropic",
      model: set.ANTHROPIC_MODEL,
      baseUrl: versioned(set.ANTHROPIC_BASE_URL, "v1"),
      apiKey: set.ANTHROPIC_API_KEY,
    };
  }
  return undefined;
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, "");
}

/** The vendors' own variables name the server; their paths begin with a version. */
function versioned(url: string, version: string): string {
  const base = trimmed(url);
  return /\/v\d+(beta)?$/.test(base) ? base : `${base}/${version}`;
}
