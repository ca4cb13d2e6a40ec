import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Router } from 'wouter'
import { App } from './app.tsx'
import { goOn } from './api.ts'
import './theme.css'

goOn()

createRoot(document.getElementById('portal')!).render(
  <StrictMode>
    <Router base="/portal"><App /></Router>
  </StrictMode>,
)
