import { errorText } from "../../process/log.ts";
import { codeOf } from "./driver.ts";
import type { ServerAddress } from "./address.ts";
import { refusedParameters } from "./server.ts";

/** What the certificate checks of both runtimes say. */
const BAD_CERTIFICATE = /certificate|self.signed|CERT_|UnknownIssuer|NotValidForName/i;

/**
 * What is wrong with `DATABASE_URL`, in words, when the server's answer will be the same however
 * often it is asked: there is no such database, the password is wrong, it does not know a
 * parameter. Undefined for everything that waiting may cure.
 *
 * PgBouncer 1.18 and Supabase's pooler have one code for all of it, so their words count as well.
 */
export function permanentFault(
  error: unknown,
  { hosts, user, database, options, searchPath }: ServerAddress,
): string | undefined {
  const code = codeOf(error);
  const said = errorText(error);
  const where = hosts.map(({ host, port }) => port ? `${host}:${port}` : host).join(", ");
  const cannot = (why: string) =>
    `Cannot use the database of DATABASE_URL${where && ` on ${where}`}: ${why} (it said: ${said})`;
  if (
    code === "3D000" || isPooler(code, said, /no such database|database "[^"]*" does not exist/)
  ) {
    return cannot(
      `there is no database ${named(database)}. Create it, or correct the name after the last /`,
    );
  }
  if (/no pg_hba\.conf entry/.test(said)) {
    return cannot(
      "its pg_hba.conf does not let this machine in as it asks; if that speaks of encryption, " +
        "add ?sslmode=require",
    );
  }
  const noLogin = /authentication failed|no such user|Tenant or user not found/;
  if (code === "28P01" || code === "28000" || isPooler(code, said, noLogin)) {
    return cannot(
      `the user ${named(user)} or its password is wrong. In the URL, @ / ? # % of a password are ` +
        "written as %40 %2F %3F %23 %25",
    );
  }
  const parameters = refusedParameters(error);
  if (parameters.length > 0) {
    const own = [options && "options", searchPath && "schema"].filter((each) => each);
    return cannot(
      `a pooler in between does not take ${parameters.join(", ")}. ` +
        (own.length > 0
          ? `Take ${own.join(" and ")} out of the URL and set it for the role: ALTER ROLE … SET …`
          : "Set DATABASE_PREPARE=false, or add it to ignore_startup_parameters of PgBouncer"),
    );
  }
  if (options !== undefined && (code === "42704" || code === "22023") && /parameter/.test(said)) {
    return cannot("it does not know what `options` in the URL sets");
  }
  if (code === "42501") {
    return cannot(
      `the user ${named(user)} has no right to what Otto needs. Make it the database's owner: ` +
        "ALTER DATABASE … OWNER TO …",
    );
  }
  if (!/^[0-9A-Z]{5}$/.test(code ?? "") && BAD_CERTIFICATE.test(`${code} ${said}`)) {
    return cannot(
      "its certificate is not trusted. Name the file of the authority in sslrootcert, or set " +
        "sslmode=require to encrypt without asking who is there",
    );
  }
}

function isPooler(code: string | undefined, said: string, words: RegExp): boolean {
  return (code === "08P01" || code === "XX000") && words.test(said);
}

function named(name: string | undefined): string {
  return name === undefined ? "of that name" : `"${name}"`;
}
