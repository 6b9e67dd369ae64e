import type { Settings } from "./settings.ts";

/** What is known of the app on Deno Deploy that this is an isolate of. */
export interface DenoDeploy {
  /** `production`, `git-branch/{name}` or `preview/{revision}` (docs.deno.com/deploy/reference/timelines). */
  timeline: string;
  /** Whether what happens here may be seen by others: people in Slack, tools of the agent. */
  acts: boolean;
  /** How the app's own host names begin and end, all in lower case; undefined without the slugs. */
  hosts: { begin: string; end: string } | undefined;
}

/** Also where nothing says which one it is: outside the platform. */
const PRODUCTION = "production";

/** What the platform says of itself; undefined elsewhere. */
export function readDenoDeploy(settings: Settings): DenoDeploy | undefined {
  if (settings.DENO_DEPLOY === undefined && settings.DENO_DEPLOYMENT_ID === undefined) {
    return undefined;
  }
  const timeline = settings.DENO_TIMELINE ?? PRODUCTION;
  const app = settings.DENO_DEPLOY_APP_SLUG?.toLowerCase();
  const org = settings.DENO_DEPLOY_ORG_SLUG?.toLowerCase();
  return {
    timeline,
    acts: timeline === PRODUCTION ||
      [timeline, "*"].some((name) => settings.ACT_ON_TIMELINES.includes(name)),
    hosts: app && org ? { begin: app, end: `.${org}.deno.net` } : undefined,
  };
}

/** Where senders and people reach the app, as far as the platform says; undefined where it does not. */
export function deployedUrl(deploy: DenoDeploy | undefined): string | undefined {
  if (deploy?.hosts === undefined || deploy.timeline !== PRODUCTION) return undefined;
  return `https://${deploy.hosts.begin}${deploy.hosts.end}`;
}

/**
 * Whether a host is one of the app's own: `app.org.deno.net`, and for branches and previews
 * `app--branch.org.deno.net` and `app-revision.org.deno.net`. Only the organisation has such names.
 */
export function isDeployedHost(deploy: DenoDeploy | undefined, name: string): boolean {
  if (deploy?.hosts === undefined) return false;
  const { begin, end } = deploy.hosts;
  if (!name.startsWith(begin) || !name.endsWith(end)) return false;
  return /^(-[a-z0-9-]+)?$/.test(name.slice(begin.length, name.length - end.length));
}
