/** Closing of the classes whose objects are handed to environments. */

/** Leaves nothing on a class's instances that makes more of them, and nothing to replace. */
export function closeClass(prototype: object): void {
  Reflect.deleteProperty(prototype, "constructor");
  Object.freeze(prototype);
}
