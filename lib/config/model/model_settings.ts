/** Which model works on tasks, and where it is reached. */
export interface ModelSettings {
  provider: "gemini" | "ollama" | "openai" | "anthropic";
  /** The provider's name for people. */
  label: string;
  model: string;
  /** Without a slash at its end, and without a query. */
  baseUrl: string;
  /** What each call's address ends with (Azure's `api-version`). */
  query?: Record<string, string>;
  /** Which header the key goes into, when it is no bearer (Azure). */
  keyHeader?: string;
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
      baseUrl: versioned(set.OLLAMA_BASE_URL.replace(OLLAMAS_OWN, ""), "v1"),
    };
  }
  if (set.OPENAI_API_KEY !== undefined || set.OPEN_AI_BASE !== undefined) {
    const base = chatBase(set.OPEN_AI_BASE ?? OPENAI_BASE, set.OPENAI_MODEL);
    if (typeof base === "string") return base;
    const { host, hostname } = new URL(base.baseUrl);
    if (set.OPENAI_API_KEY === undefined && hostname === "api.openai.com") {
      return "Cannot use OpenAI (OPEN_AI_BASE) without a key: set OPENAI_API_KEY.";
    }
    return {
      provider: "openai",
      label: base.baseUrl === OPENAI_BASE ? "OpenAI" : `OpenAI-compatible at ${host}`,
      model: set.OPENAI_MODEL,
      ...base,
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

/** What an address ends with that was copied whole from a page about an API. */
const WHOLE_PATH = /\/(chat\/completions|completions|responses|embeddings|models|messages)$/;
/** Ollama's own API stands beside the one that is spoken. */
const OLLAMAS_OWN = /\/api(\/(chat|generate|tags))?\/?$/;
const AZURE = /\.(openai|cognitiveservices|services\.ai)\.azure\.com$/;

/**
 * Where a server that speaks OpenAI's chat completions is reached: without the path of a call, with
 * the version that its path begins with, and with Azure's `api-version` apart.
 *
 * @returns a text instead when it cannot be one: what to set.
 */
function chatBase(
  text: string,
  model: string,
): Pick<ModelSettings, "baseUrl" | "query" | "keyHeader"> | string {
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") {
    return "Cannot use OPEN_AI_BASE with a name and password in it: set OPENAI_API_KEY to the key.";
  }
  if (url.hash !== "") return 'Cannot use OPEN_AI_BASE with a "#" in it: end it with the path.';
  const version = url.searchParams.get("api-version");
  const other = [...url.searchParams.keys()].find((name) => name !== "api-version");
  if (other !== undefined) {
    return 'Cannot use OPEN_AI_BASE with a query ("?…") in it: end it with the path, such as ' +
      `${OPENAI_BASE}. Azure's api-version is the only parameter that it may have.`;
  }
  const path = withoutCall(url.pathname);
  const isBare = path === "" || path === "/openai";
  if (!AZURE.test(url.hostname)) {
    return {
      baseUrl: `${url.origin}${isBare ? `${path}/v1` : path}`,
      ...(version === null ? {} : { query: { "api-version": version } }),
    };
  }
  // Its dated versions have a path for each deployment; the newer API has one for all.
  const isDated = /^\d{4}-/.test(version ?? "");
  if (path.includes("/deployments/") && version === null) {
    return "Cannot use OPEN_AI_BASE with a path of Azure's deployments and no api-version: end it " +
      `with ?api-version=2024-10-21, or set it to ${url.origin}/openai/v1.`;
  }
  const own = isDated ? `/openai/deployments/${encodeURIComponent(model)}` : "/openai/v1";
  return {
    baseUrl: `${url.origin}${isBare ? own : path}`,
    keyHeader: "api-key",
    ...(version === null ? {} : { query: { "api-version": version } }),
  };
}

function withoutCall(path: string): string {
  return trimmed(trimmed(path).replace(WHOLE_PATH, ""));
}

function trimmed(url: string): string {
  return url.replace(/(?<!\/)\/+$/, "");
}

/** The vendors' own variables name the server; their paths begin with a version. */
function versioned(text: string, version: string): string {
  const { origin, pathname } = new URL(text);
  const base = withoutCall(pathname).replace(/\/models\/[^/]*$/, "");
  return origin + (/\/v\d+(beta)?$/.test(base) ? base : `${base}/${version}`);
}
