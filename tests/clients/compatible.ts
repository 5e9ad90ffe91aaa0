// Names every operation that a client of the released API could no longer use. It compiles where
// there are none; else tsc says which are missing in the last line.
import type { operations as Now, paths as PathsNow } from "./now.js";
import type { operations as Released, paths as PathsReleased } from "./released.js";

// What a caller may send must go on being accepted …
type Sent<O> = O extends { parameters: infer P }
  ? { parameters: P; body: O extends { requestBody?: infer B } ? B : undefined }
  : never;

// … and what a caller reads must go on being there.
type Read<O> = O extends { responses: infer R }
  ? { [Status in keyof R & (200 | 201)]: R[Status] extends { content: infer C } ? C : undefined }
  : never;

type Goes<From, Into> = [From] extends [Into] ? true : false;

type Broken = {
  [Name in keyof Released]: Name extends keyof Now
    ? [Goes<Sent<Released[Name]>, Sent<Now[Name]>>, Goes<Read<Now[Name]>, Read<Released[Name]>>] extends [true, true]
      ? never
      : Name
    : Name;
}[keyof Released];

type Gone = Exclude<keyof PathsReleased, keyof PathsNow>;

export const broken: Record<Broken | Gone, "breaks"> = {};
