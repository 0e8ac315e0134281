/** @asgardeo/react with two settings, as its quick start has it. */
import { AsgardeoProvider, SignedIn, SignedOut, SignInButton, SignOutButton, User, UserProfile } from '@asgardeo/react'
import { createRoot } from 'react-dom/client'

const { baseUrl, clientId } = globalThis.settings

createRoot(document.getElementById('root')).render(
  <AsgardeoProvider baseUrl={baseUrl} clientId={clientId}>
    <SignedIn>
      <User>{user => <h1>Hello {user?.userName ?? user?.username}</h1>}</User>
      <UserProfile />
      <SignOutButton>Sign out</SignOutButton>
    </SignedIn>
    <SignedOut>
      <SignInButton>Sign in</SignInButton>
    </SignedOut>
  </AsgardeoProvider>,
)
