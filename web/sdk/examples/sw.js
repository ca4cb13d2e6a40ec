// A service worker that serves /app/ from the swarm, and from the network where no page of this site has it: sw.html is such a page.
import { serve } from './serviceworker.js'

serve({ prefixes: ['/app/'] })
addEventListener('install', () => skipWaiting())
addEventListener('activate', (e) => e.waitUntil(clients.claim()))
