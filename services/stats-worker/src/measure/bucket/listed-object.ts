import type { ListedObject } from './object-lister.ts';

/**
 * What listings say of an object or a version.
 *
 * @param refuse makes the error of what cannot be counted: without size or date, or larger than a number holds exactly.
 */
export function listedObject(
  key: string,
  version: string,
  said: {
    readonly Size?: number | undefined;
    readonly LastModified?: Date | undefined;
    readonly StorageClass?: string | undefined;
  },
  refuse: (reason: string) => Error,
): ListedObject {
  const { Size, LastModified, StorageClass } = said;
  const lastModifiedMs = LastModified?.getTime() ?? Number.NaN;
  if (key === '' || Size === undefined || !Number.isSafeInteger(Size) || Size < 0) {
    throw refuse(`the object ${JSON.stringify(key.slice(0, 200))} has no usable size`);
  }
  if (Number.isNaN(lastModifiedMs)) {
    throw refuse(`the object ${JSON.stringify(key.slice(0, 200))} has no date`);
  }
  return {
    key,
    version,
    sizeBytes: Size,
    lastModifiedMs,
    ...(StorageClass !== undefined && { storageClass: StorageClass }),
  };
}
