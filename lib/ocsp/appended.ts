/**
 * A list that only grows at its end, for builders that leave what they were as it is: one more costs the same however long the
 * list is, and lists that begin alike share their beginning.
 */
export interface Appended<T> {
  readonly before: Appended<T> | undefined;
  readonly last: T;
  readonly length: number;
}

/** `list` with one more at the end; an empty list is undefined. */
export function append<T>(list: Appended<T> | undefined, last: T): Appended<T> {
  return { before: list, last, length: (list?.length ?? 0) + 1 };
}

/** The items, first to last. */
export function itemsOf<T>(list: Appended<T> | undefined): T[] {
  const items = new Array<T>(list?.length ?? 0);
  for (let rest = list; rest !== undefined; rest = rest.before) items[rest.length - 1] = rest.last;
  return items;
}
