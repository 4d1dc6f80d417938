/**
 * Register names as they stand without `%`, where `.intel_syntax noprefix` or `.att_syntax noprefix` is in force.
 */

const REGISTER = /^(?:[re]?(?:ax|bx|cx|dx|si|di|bp|sp)|[abcd](?:[hl]|xl)|(?:si|di|bp|sp)l|r(?:[89]|1[0-5])[bwd]?|[re]ip|[cdefgs]s|cr(?:1[0-5]|[0-9])|d[rb](?:1[0-5]|[0-9])|tr[0-7]|[xyz]mm(?:[12]?[0-9]|3[01])|tmm[0-7]|k[0-7]|mm[0-7]|st|bnd[0-3]|[re]iz)$/i;

/** The register that `name` is, in lower case; undefined if it is a symbol's name. */
export function bareRegister(name: string): string | undefined {
  return REGISTER.test(name) ? name.toLowerCase() : undefined;
}
