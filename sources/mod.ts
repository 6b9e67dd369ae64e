import * as airtable from "./airtable.ts";
import * as alertmanager from "./alertmanager.ts";
import * as argocd from "./argocd.ts";
import * as asana from "./asana.ts";
import * as bigcommerce from "./bigcommerce.ts";
import * as bitbucket from "./bitbucket.ts";
import * as box from "./box.ts";
import * as calendly from "./calendly.ts";
import * as circleci from "./circleci.ts";
import * as cloudevents from "./cloudevents.ts";
import * as coinbasecommerce from "./coinbasecommerce.ts";
import * as confluence from "./confluence.ts";
import * as datadog from "./datadog.ts";
import * as discord from "./discord.ts";
import * as discourse from "./discourse.ts";
import * as dockerhub from "./dockerhub.ts";
import * as dropbox from "./dropbox.ts";
import * as dropboxsign from "./dropboxsign.ts";
import * as eventgrid from "./eventgrid.ts";
import * as figma from "./figma.ts";
import * as flux from "./flux.ts";
import * as freshdesk from "./freshdesk.ts";
import * as github from "./github.ts";
import * as gitlab from "./gitlab.ts";
import * as gocardless from "./gocardless.ts";
import * as grafana from "./grafana.ts";
import * as heroku from "./heroku.ts";
import * as homeassistant from "./homeassistant.ts";
import * as hubspot from "./hubspot.ts";
import * as intercom from "./intercom.ts";
import * as jenkins from "./jenkins.ts";
import * as jira from "./jira.ts";
import * as lark from "./lark.ts";
import * as linear from "./linear.ts";
import * as mailgun from "./mailgun.ts";
import * as meta from "./meta.ts";
import * as miro from "./miro.ts";
import * as msgraph from "./msgraph.ts";
import * as netlify from "./netlify.ts";
import * as newrelic from "./newrelic.ts";
import * as notion from "./notion.ts";
import * as nylas from "./nylas.ts";
import * as okta from "./okta.ts";
import * as opsgenie from "./opsgenie.ts";
import * as paddle from "./paddle.ts";
import * as pagerduty from "./pagerduty.ts";
import * as paypal from "./paypal.ts";
import * as paystack from "./paystack.ts";
import * as postmark from "./postmark.ts";
import * as pubsub from "./pubsub.ts";
import * as salesforce from "./salesforce.ts";
import * as sendgrid from "./sendgrid.ts";
import * as sentry from "./sentry.ts";
import * as shopify from "./shopify.ts";
import * as slack from "./slack.ts";
import * as sns from "./sns.ts";
import type { Source } from "./source.ts";
import * as square from "./square.ts";
import { standardWebhooks } from "./standard_webhooks.ts";
import * as statuspage from "./statuspage.ts";
import * as strava from "./strava.ts";
import * as stripe from "./stripe.ts";
import * as teams from "./teams.ts";
import * as telegram from "./telegram.ts";
import * as trello from "./trello.ts";
import * as twilio from "./twilio.ts";
import * as twitch from "./twitch.ts";
import * as typeform from "./typeform.ts";
import * as uptimekuma from "./uptimekuma.ts";
import * as vercel from "./vercel.ts";
import * as websub from "./websub.ts";
import * as x from "./x.ts";
import * as xero from "./xero.ts";
import * as zendesk from "./zendesk.ts";
import * as zoom from "./zoom.ts";

/**
 * Every system we know, by the name in its webhook's URL. To add one, copy a
 * module (`sentry.ts` is a plain one), and list it here.
 */
export const sources = {
  github,
  stripe,
  slack,
  twilio,
  gitlab,
  linear,
  jira,
  shopify,
  sentry,
  pagerduty,
  discord,
  grafana,
  alertmanager,
  standardwebhooks: standardWebhooks("standardwebhooks", "Standard Webhooks"),
  cloudevents,
  airtable,
  argocd,
  asana,
  bigcommerce,
  bitbucket,
  box,
  calendly,
  circleci,
  clerk: standardWebhooks("clerk", "Clerk", "CLERK_WEBHOOK_SIGNING_SECRET", {
    type: "user.created",
    data: { id: "user_1", email_addresses: [{ email_address: "ada@example.com" }] },
  }),
  coinbasecommerce,
  confluence,
  datadog,
  discourse,
  dockerhub,
  dropbox,
  dropboxsign,
  eventgrid,
  figma,
  flux,
  freshdesk,
  gocardless,
  heroku,
  homeassistant,
  hubspot,
  intercom,
  jenkins,
  lark,
  mailgun,
  meta,
  miro,
  msgraph,
  netlify,
  newrelic,
  notion,
  nylas,
  okta,
  openai: standardWebhooks("openai", "OpenAI", "OPENAI_WEBHOOK_SECRET", {
    type: "response.completed",
    data: { id: "resp_1" },
  }),
  opsgenie,
  paddle,
  paypal,
  paystack,
  postmark,
  pubsub,
  replicate: standardWebhooks("replicate", "Replicate", "REPLICATE_WEBHOOK_SECRET", {
    id: "p1",
    status: "succeeded",
    output: ["A friendly greeting"],
  }),
  resend: standardWebhooks("resend", "Resend", "RESEND_WEBHOOK_SECRET", {
    type: "email.bounced",
    data: { email_id: "e1", subject: "Your invoice", to: ["ada@example.com"] },
  }),
  salesforce,
  sendgrid,
  sns,
  square,
  statuspage,
  strava,
  svix: standardWebhooks("svix", "Svix", "SVIX_WEBHOOK_SECRET"),
  teams,
  telegram,
  trello,
  twitch,
  typeform,
  uptimekuma,
  vercel,
  websub,
  x,
  xero,
  zendesk,
  zoom,
} satisfies Record<string, Source>;
