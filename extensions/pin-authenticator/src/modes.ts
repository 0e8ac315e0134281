import { type AuthenticationData, type AuthenticationEvent, present } from '@preflow/contract'
import type { Entry } from './entry.ts'
import type { Enrolment } from './store.ts'

/** Whose PIN an entry asks for. Without a user id the page asks for the user name as well. */
export interface Subject {
  userId?: string
  userStore?: string
}

/** What a deployment is for: one of the three kinds of custom authenticators. */
export interface Mode {
  /** Reads from the event who must enter the PIN, or says in a sentence why nobody can. */
  subjectOf(event: AuthenticationEvent): Subject | string
  /** What the platform learns; nothing where it does not ask who it is. */
  dataOf(entry: Entry, enrolment: Enrolment): AuthenticationData | undefined
}

export type ModeName = 'internal' | 'federated' | 'second_factor'

export const modes: Record<ModeName, Mode> = {
  internal: {
    subjectOf: ({ user, userStore }) => {
      if (!user) return {}
      if (user.id === undefined || user.userIdentitySource === 'FEDERATED') {
        return 'event.user: must be a local user; mode internal identifies no others'
      }
      return { userId: user.id, ...present({ userStore: userStore?.name }) }
    },
    // The platform takes claims and groups from its own store, and fails without a list of claims.
    dataOf: (entry, { userId, userStore = entry.userStore }) => ({
      user: {
        id: userId,
        claims: [],
        ...present({ userStore: userStore === undefined ? undefined : { name: userStore } }),
      },
    }),
  },
  federated: {
    subjectOf: () => ({}),
    dataOf: (_, { userId, claims, groups }) => ({
      user: { id: userId, claims, ...present({ groups: groups.length === 0 ? undefined : groups }) },
    }),
  },
  second_factor: {
    subjectOf: ({ user }) => {
      if (user?.id !== undefined) return { userId: user.id }
      return 'event.user.id: missing; put this authenticator after a step that identifies the user'
    },
    dataOf: () => undefined,
  },
}
