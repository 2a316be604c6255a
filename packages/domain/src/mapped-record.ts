/** What a record of a webhook turned out to be. */
export type MappedRecord =
  /** An event in CloudEvents' JSON form, to be validated like any client's. */
  | { readonly kind: 'event'; readonly event: Readonly<Record<string, unknown>> }
  /** Nothing the declaration asks for. */
  | { readonly kind: 'ignored' }
  | { readonly kind: 'unmapped'; readonly reason: string };
