import * as generic from "../generic.ts";
import type { Source } from "../source.ts";

/**
 * A known sender whose module has no words for a payload, of another product of the vendor or of a
 * later year: it is read as a stranger's would be. What the module says stays.
 */
export function saidAnyway(source: Source): Source {
  return {
    ...source,
    describe(payload, context) {
      const said = source.describe(payload, context);
      const label = source.label ?? "";
      if (said.title !== `${label} webhook` && said.title !== `${label} ${said.event}`) return said;
      const read = generic.describe(payload, { headers: context?.headers, type: label });
      const adds = read.title !== `${label} webhook` && read.title !== `${label}: ${said.event}`;
      return {
        ...said,
        event: said.event ?? read.event,
        title: adds ? read.title : said.title,
        link: said.link ?? read.link,
        actor: said.actor ?? read.actor,
        fields: Object.keys(said.fields ?? {}).length > 0 ? said.fields : read.fields,
        text: said.text ?? read.text,
      };
    },
  };
}
