import { type AuthenticationData, type AuthenticationEvent, present } from '@preflow/contract'
import type { Entry } from './entry.ts'
import type { Enrolment } from './store.ts'

/** The user whose PIN an entry requires. Without a user id the page also has a field for the user name. */
export interface Subject {
  userId?: string
  userStore?: string
}

/** The purpose of a deployment: one of the three kinds of custom authenticators. */
export interface Mode {
  /** Reads from the event who must enter the PIN, or returns why this is impossible. */
  subjectOf(event: AuthenticationEvent): Subject | string
  /** What the platform gets. Nothing if it does not need to identify the user. */
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
    // The platform reads claims and groups from its own store, and fails without a list of claims.
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
