import { changed, firstFew, quoted, words } from "../kit/line.ts";
import { mailTitle } from "../words/mail.ts";
import { at, first, isObject, line, list } from "../kit/json_path.ts";

/** What a message of a service of Amazon's says, by its shape; nothing for a text, or a shape nobody knows. */
export function sayingOf(message: unknown): string | undefined {
  return first(
    alarmTitle(message),
    mailEventTitle(message),
    approvalTitle(message),
    eventBridgeTitle(message),
    recordTitle(message),
    scalingTitle(message),
    plainTitle(message),
  );
}

/** A CloudWatch alarm. */
function alarmTitle(message: unknown): string | undefined {
  const name = line(message, "AlarmName");
  if (!name) return undefined;
  const head = words("Alarm", quoted(name), line(message, "NewStateValue"));
  const reason = first(line(message, "NewStateReason"), line(message, "AlarmDescription"));
  return reason ? `${head}: ${reason}` : head;
}

const MAIL: Record<string, string> = {
  Send: "was sent",
  Delivery: "was delivered",
  Bounce: "bounced",
  Reject: "was rejected",
  Open: "was opened",
  Click: "was clicked",
  DeliveryDelay: "is delayed",
  "Rendering Failure": "could not be rendered",
  Subscription: "changed a subscription",
};

/** What SES tells of a mail (docs.aws.amazon.com/ses, "Notification contents"). */
function mailEventTitle(message: unknown): string | undefined {
  const type = first(line(message, "notificationType"), line(message, "eventType"));
  if (!type || !isObject(message, "mail")) return undefined;
  const headers = at(message, "mail", "commonHeaders");
  const destinations = list(message, "mail", "destination");
  const to = firstFew(destinations.slice(0, 20).map((each) => line([each], 0)), 2);
  if (type === "Received") {
    return mailTitle({
      from: first(line(headers, "from", 0), line(message, "mail", "source")),
      to: to && destinations.length < 3 ? to : line(destinations, 0),
      subject: line(headers, "subject"),
    });
  }
  const who = first(
    line(message, "bounce", "bouncedRecipients", 0, "emailAddress"),
    line(message, "complaint", "complainedRecipients", 0, "emailAddress"),
    to,
  );
  const subject = quoted(line(headers, "subject"));
  if (type === "Complaint") return words(who ?? "Somebody", "reported mail", subject, "as spam");
  const title = words("Mail", subject, ["to", who], MAIL[type] ?? type.toLowerCase());
  const reason = first(
    line(message, "bounce", "bouncedRecipients", 0, "diagnosticCode"),
    line(message, "bounce", "bounceSubType"),
    line(message, "reject", "reason"),
    line(message, "failure", "errorMessage"),
    line(message, "deliveryDelay", "delayType"),
    line(message, "click", "link"),
  );
  return reason ? `${title}: ${reason}` : title;
}

/** A pipeline that waits for a person. */
function approvalTitle(message: unknown): string | undefined {
  const approval = at(message, "approval");
  const name = line(approval, "pipelineName");
  if (!name) return undefined;
  const title = words("Pipeline", quoted(name), "waits for approval", [
    "in",
    line(approval, "stageName"),
  ]);
  const data = line(approval, "customData");
  return data ? `${title}: ${data}` : title;
}

/** An event of EventBridge; what it is about lies under its service's own words. */
function eventBridgeTitle(message: unknown): string | undefined {
  const type = line(message, "detail-type");
  if (!type) return undefined;
  const detail = at(message, "detail");
  const about = first(
    line(detail, "title"),
    line(detail, "pipeline"),
    line(detail, "project-name"),
    line(detail, "instance-id"),
    line(detail, "alarmName"),
    line(detail, "deploymentGroup"),
    line(detail, "application"),
    line(detail, "jobName"),
    line(detail, "group"),
    line(detail, "bucket", "name"),
    line(detail, "findings", 0, "Title"),
    line(detail, "eventDescription", 0, "latestDescription"),
    line(detail, "SourceIdentifier"),
    line(detail, "name"),
    line(message, "resources", 0)?.split(/[:/]/).at(-1),
  );
  const state = first(
    line(detail, "state", "value"),
    line(detail, "state"),
    line(detail, "build-status"),
    line(detail, "lastStatus"),
    line(detail, "status"),
  );
  const title = words(type, quoted(about), state);
  const reason = first(
    line(detail, "additional-information", "error-message"),
    line(detail, "stoppedReason"),
    line(detail, "Message"),
    line(detail, "reason"),
  );
  return reason ? `${title}: ${reason}` : title;
}

/** What happened in a bucket. */
function recordTitle(message: unknown): string | undefined {
  const records = list(message, "Records");
  const name = line(records[0], "eventName");
  if (!name) return undefined;
  const title = words(
    line(records[0], "eventSource") === "aws:s3" || isObject(records[0], "s3") ? "S3" : undefined,
    name,
    words(line(records[0], "s3", "bucket", "name"), [
      "/",
      line(records[0], "s3", "object", "key"),
    ]).replace(" / ", "/"),
  );
  return records.length > 1 ? `${title} and ${records.length - 1} more` : title;
}

/** Auto Scaling's and RDS's own notifications. */
function scalingTitle(message: unknown): string | undefined {
  const group = line(message, "AutoScalingGroupName");
  if (group) {
    const what = line(message, "Description") ??
      line(message, "Event")?.replace("autoscaling:", "");
    return words("Scaling group", quoted(group), what);
  }
  const event = line(message, "Event Message");
  return event &&
    words(
      line(message, "Event Source"),
      line(message, "Source ID") && `${line(message, "Source ID")}:`,
      event,
    );
}

/** JSON of one's own: what a person would read first. */
function plainTitle(message: unknown): string | undefined {
  const content = at(message, "content");
  return first(
    ...[message, content, at(message, "data")].flatMap((each) =>
      ["title", "subject", "summary", "message", "text", "description", "name", "event", "type"]
        .map((key) => line(each, key))
    ),
    changed(undefined, line(message, "oldStatus"), line(message, "newStatus")),
  );
}

/** CloudFormation writes `Name='value'` lines; what happened to which part of the stack. */
export function stackTitle(message: string | undefined): string | undefined {
  if (!message?.startsWith("StackId='")) return undefined;
  const values = new Map(
    message.slice(0, 10_000).split("\n").map((each) => {
      const end = each.indexOf("='");
      return [each.slice(0, end), line([each.slice(end + 2).replace(/'$/, "")], 0)];
    }),
  );
  const title = words(
    "Stack",
    quoted(values.get("StackName")),
    values.get("LogicalResourceId") === values.get("StackName")
      ? undefined
      : values.get("LogicalResourceId"),
    values.get("ResourceStatus"),
  );
  const reason = values.get("ResourceStatusReason");
  return reason ? `${title}: ${reason}` : title;
}
