// How the doors make and delete vhosts while the broker runs. A vhost needs a scope of the store, and a
// store takes its time; so this is an interface, which runtime/ implements over the engine. Invariant of
// an implementation: what it answers is on disk when its promise resolves, and two calls for one name
// follow each other.
import type { VHostFacts } from './vhost-facts.ts'

export interface VHostKeeper {
  /** Makes it, or says something else about one that is there. Resolves to true when it is new. */
  put(name: string, facts: VHostFacts): Promise<boolean>
  /** With everything in it; its connections are closed. Resolves to false when there is none. */
  delete(name: string): Promise<boolean>
}
