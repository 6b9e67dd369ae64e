import { Refusal } from "../../process/refusal.ts";

/** Where a PostgreSQL server is and how it wants to be spoken to, as its URL says. */
export interface ServerAddress {
  /** In the order in which they are tried; a host with a `/` is the folder of a unix socket. */
  hosts: readonly { host: string; port?: number }[];
  user?: string;
  password?: string;
  database?: string;
  tls: TlsWish;
  applicationName?: string;
  /** How long to connect may take. */
  connectSeconds?: number;
  /** Rest after which the system asks whether the other side is there; 0 never does. */
  keepAliveSeconds?: number;
  /** What the operator wants set in each session: `-c name=value`. */
  options?: string;
  searchPath?: string;
  /** Which server of several is meant, where not any will do. */
  role?: "primary" | "read-write";
  /** The URL says that a pooler stands in between, which gives each statement another session. */
  pooled: boolean;
  /** The most connections of one process. */
  connections?: number;
  /** Parameters that were not understood, by name. */
  unknown: readonly string[];
}

/** libpq's modes of TLS, and the files that belong to them. */
export interface TlsWish {
  mode: TlsMode;
  /** The file of the certificates to trust; without one, those of the system. */
  rootFile?: string;
  /** What this client shows of itself. */
  certificateFile?: string;
  keyFile?: string;
  passphrase?: string;
  leastVersion?: string;
  mostVersion?: string;
  /** Begins with TLS at once, without asking for it first. */
  direct: boolean;
}

const TLS_MODES = ["disable", "prefer", "require", "verify-ca", "verify-full"] as const;
export type TlsMode = typeof TLS_MODES[number];

/** Other names of a mode: libpq's own, and those of Node's and Java's drivers. */
const TLS_NAMES: Record<string, TlsMode> = {
  // libpq would begin without TLS, which no server that matters here insists on.
  allow: "prefer",
  "no-verify": "require",
  true: "require",
  "1": "require",
  false: "disable",
  "0": "disable",
};

/**
 * Parameters that are known and change nothing here. Of libpq (PostgreSQL's manual, 34.1.2): the
 * driver has no GSSAPI and no channel binding, always speaks UTF-8, and leaves the finer keepalives
 * to the system. Of vendors: Prisma's and Supabase's say something to their own clients.
 */
const WITHOUT_MEANING = new Set([
  ...["channel_binding", "client_encoding", "fallback_application_name", "gssencmode", "gsslib"],
  ...["gssdelegation", "krbsrvname", "keepalives_interval", "keepalives_count", "passfile"],
  ...["tcp_user_timeout", "sslcompression", "sslsni", "sslkeylogfile", "sslcertmode"],
  ...["load_balance_hosts", "hostaddr", "min_protocol_version", "max_protocol_version"],
  ...["pool_timeout", "socket_timeout", "statement_cache_size", "single_use_connections", "pool"],
  ...["supa", "workaround", "uselibpqcompat", "prepareThreshold"],
]);

/** What stands in a password by itself most often cuts it short. */
const CODES = "with @ / ? # in the user and password written as %40 %2F %3F %23";

/** The whole address, as libpq splits it: several hosts with ports of their own are no URL of the web. */
const SHAPE = /^postgres(?:ql)?:\/\/(?:([^/?#]*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/;

/**
 * Reads a `postgres://` URL with libpq's parameters and those that vendors add to theirs.
 *
 * @throws {Refusal} that says what is wrong in it and what would be right, and shows nothing of it.
 */
export function readServerAddress(url: string): ServerAddress {
  const [, userInfo, hostList, path, query] = SHAPE.exec(url) ?? refuse(
    `it must be like postgres://user:password@host:5432/database, ${CODES}`,
  );
  const parameters = openParameters(query ?? "");
  const [user, password] = splitOnce(userInfo ?? "", ":").map((part) => part && decode(part));
  const hosts = readHosts(parameters.take("host") ?? decode(hostList), parameters.take("port"));
  return {
    hosts,
    user: parameters.take("user") ?? (user || undefined),
    password: parameters.take("password") ?? (password || undefined),
    database: parameters.take("dbname") ?? (decode(path ?? "") || undefined),
    tls: readTls(parameters, hosts),
    applicationName: parameters.take("application_name"),
    connectSeconds: parameters.takeNumber("connect_timeout"),
    keepAliveSeconds: readKeepAlive(parameters),
    options: parameters.take("options"),
    searchPath: readSearchPath(parameters),
    role: readRole(parameters),
    pooled: isYes(parameters.take("pgbouncer")),
    connections: parameters.takeNumber("connection_limit"),
    unknown: parameters.left(),
  };
}

/** What to say of parameters that were not understood. */
export function describeUnknown({ unknown }: ServerAddress): string {
  return `DATABASE_URL has parameters that Otto does not know and leaves out: ` +
    `${unknown.join(", ")}. What a session should have set is written as options=-c%20name=value`;
}

/** The parameters of one URL: each is taken once, and what is left in the end was not understood. */
interface Parameters {
  /** An empty value is none. */
  take(name: string): string | undefined;
  /** A whole number; none where it is 0. */
  takeNumber(name: string): number | undefined;
  left(): string[];
}

function openParameters(query: string): Parameters {
  const pairs = query.split("&").filter((pair) => pair !== "").map((pair) => splitOnce(pair, "="));
  const values = new Map(pairs.map(([name, value]) => [decode(name), decode(value ?? "")]));

  function take(name: string): string | undefined {
    const value = values.get(name);
    values.delete(name);
    return value || undefined;
  }
  return {
    take,
    takeNumber(name) {
      const text = take(name);
      if (text === undefined) return undefined;
      if (!/^\d{1,6}$/.test(text)) refuse(`${name} must be a whole number`);
      return Number(text) || undefined;
    },
    left: () => [...values.keys()].filter((name) => !WITHOUT_MEANING.has(name)),
  };
}

/** One port for all hosts, or as many as there are hosts. */
function readHosts(hostList: string, portList: string | undefined): ServerAddress["hosts"] {
  if (hostList === "") return [];
  const ports = portList?.split(",") ?? [];
  return hostList.split(",").map((entry, at) => {
    const [, address, name, own] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^[\]:]*))(?::(\d*))?$/.exec(entry) ??
      refuse(`a host must be a name or an address, and its port a number, ${CODES}`);
    const port = own || ports[at] || ports[0];
    if (port && !(Number(port) > 0 && Number(port) < 65_536)) {
      refuse("its port must be a number from 1 to 65535");
    }
    return { host: address || name || "localhost", port: port ? Number(port) : undefined };
  });
}

function readTls(parameters: Parameters, hosts: ServerAddress["hosts"]): TlsWish {
  const required = isYes(parameters.take("requiressl")) ? "require" : undefined;
  const asked = [parameters.take("sslmode"), parameters.take("ssl"), required]
    .find((each) => each !== undefined);
  const rootFile = parameters.take("sslrootcert");
  const isOwnFile = rootFile !== undefined && rootFile !== "system";
  const mode = asked === undefined
    // On this machine it would cost time and protect from nobody.
    ? hosts.every(({ host }) => isHere(host)) ? "disable" : "prefer"
    : TLS_NAMES[asked] ?? TLS_MODES.find((each) => each === asked) ??
      refuse(`sslmode must be one of ${TLS_MODES.join(", ")}`);
  return {
    // As libpq: whoever names certificates to trust wants them looked at.
    mode: rootFile === "system"
      ? "verify-full"
      : mode === "require" && isOwnFile
      ? "verify-ca"
      : mode,
    rootFile: isOwnFile ? rootFile : undefined,
    certificateFile: parameters.take("sslcert"),
    keyFile: parameters.take("sslkey"),
    passphrase: parameters.take("sslpassword"),
    leastVersion: parameters.take("ssl_min_protocol_version"),
    mostVersion: parameters.take("ssl_max_protocol_version"),
    direct: parameters.take("sslnegotiation") === "direct",
  };
}

/** This machine itself, or a unix socket on it. */
function isHere(host: string): boolean {
  return host.includes("/") || host === "localhost" || host === "::1" || /^127\./.test(host);
}

function readKeepAlive(parameters: Parameters): number | undefined {
  const idle = parameters.takeNumber("keepalives_idle");
  return parameters.take("keepalives") === "0" ? 0 : idle;
}

/** Prisma's name for the schema that its tables are in; `public` is where they are anyway. */
function readSearchPath(parameters: Parameters): string | undefined {
  const schema = parameters.take("schema");
  if (schema === undefined || schema === "public") return undefined;
  return `"${schema.replaceAll('"', '""')}"`;
}

/** Otto writes, so that it needs a server that takes writes. */
function readRole(parameters: Parameters): ServerAddress["role"] {
  const role = parameters.take("target_session_attrs") ?? "any";
  if (role === "primary" || role === "read-write") return role;
  if (role === "any") return undefined;
  refuse("target_session_attrs must be primary, read-write or any: Otto writes all the time");
}

function isYes(text: string | undefined): boolean {
  return text === "true" || text === "1";
}

function splitOnce(text: string, by: string): [string, string?] {
  const at = text.indexOf(by);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + by.length)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    refuse("it has a % that begins no code of two hex digits: write % itself as %25");
  }
}

function refuse(why: string): never {
  throw new Refusal(`Cannot read DATABASE_URL: ${why}.`);
}
