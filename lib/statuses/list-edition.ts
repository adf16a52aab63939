/** Which edition of an authority's list of statuses a run was made of. */
export interface ListEdition {
  /** Tells this list from the authority's others, such as the scope of a CRL. */
  readonly list: string;
  /** The CRL number, in hexadecimal; null when the list has none. */
  readonly number: string | null;
  /** Since when the list holds: thisUpdate of a CRL, the last change of a file; seconds since 1970-01-01 UTC. */
  readonly thisUpdate: number;
}
