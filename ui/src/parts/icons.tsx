// Line icons, 16 by 16, drawn for this page.
import type { ComponentChildren } from "preact";

const paths = {
  home: <path d="M2.5 7 8 2.5 13.5 7v6a.5.5 0 0 1-.5.5H9.8V9.7H6.2v3.8H3a.5.5 0 0 1-.5-.5z" />,
  jobs: <path d="M2.5 4h11M2.5 8h11M2.5 12h7" />,
  runs: <path d="M4.5 3v10l8-5z" />,
  timeline: <path d="M2.5 3.5h5M5.5 8h7M3.5 12.5h4M13.5 2v12" />,
  calendar: <path d="M2.5 3.8h11v9.7h-11zM2.5 6.8h11M5.5 2.3v3M10.5 2.3v3" />,
  cluster: <path d="M8 2.2 13 5v6l-5 2.8L3 11V5zM8 8l5-3M8 8v5.8M8 8 3 5" />,
  workers: <path d="M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01" />,
  why: <path d="M5.8 6a2.2 2.2 0 1 1 3.3 1.9c-.7.4-1.1.9-1.1 1.7M8 12h.01M8 14.2A6.2 6.2 0 1 0 8 1.8a6.2 6.2 0 0 0 0 12.4" />,
  key: <path d="M9.3 6.7a3 3 0 1 0-2 2L8.5 10h1.7v1.6h1.6v1.9h2v-2.3zM5.5 5.5h.01" />,
  audit: <path d="M4 1.8h8v12.4H4zM6 5h4M6 8h4M6 11h2.5" />,
  search: <path d="M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10M10.7 10.7 14 14" />,
  plus: <path d="M8 3v10M3 8h10" />,
  play: <path d="M4.8 3v10l8-5z" />,
  pause: <path d="M5.5 3.2v9.6M10.5 3.2v9.6" />,
  edit: <path d="m10.7 2.8 2.5 2.5L5.7 12.8l-3.2.7.7-3.2z" />,
  trash: <path d="M3 4.5h10M6.2 4.3V2.7h3.6v1.6M4.3 4.5l.6 9h6.2l.6-9M6.8 7v4M9.2 7v4" />,
  copy: <path d="M5.5 5.5h8v8h-8zM10.5 5.3V2.5h-8v8h2.8" />,
  stop: <path d="M4 4h8v8H4z" />,
  retry: <path d="M13 8a5 5 0 1 1-1.5-3.6M13 2v3h-3" />,
  skip: <path d="M3 3.5v9L9.5 8zM12.5 3.5v9" />,
  down: <path d="M8 2.5v8M4.5 7.5 8 11l3.5-3.5M3 13.5h10" />,
  chevron: <path d="m4 6 4 4 4-4" />,
  right: <path d="m6 4 4 4-4 4" />,
  left: <path d="m10 4-4 4 4 4" />,
  close: <path d="m3.5 3.5 9 9M12.5 3.5l-9 9" />,
  menu: <path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11" />,
  more: <path d="M3.5 8h.01M8 8h.01M12.5 8h.01" />,
  sun: <path d="M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6M8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9" />,
  moon: <path d="M13.3 9.5A5.7 5.7 0 0 1 6.5 2.7a5.7 5.7 0 1 0 6.8 6.8" />,
  auto: <path d="M8 14A6 6 0 1 0 8 2zM8 14A6 6 0 0 1 8 2" />,
  globe: <path d="M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M2 8h12M8 2c2 2 2.6 4 2.6 6S10 12 8 14c-2-2-2.6-4-2.6-6S6 4 8 2" />,
  wrap: <path d="M2.5 4h11M2.5 8h9.2a1.9 1.9 0 0 1 0 4H8m1.7-1.8L7.9 12l1.8 1.8M2.5 12h3" />,
  follow: <path d="M8 2.5v9M4 8l4 4 4-4" />,
  help: <path d="M6 6.2a2 2 0 1 1 3 1.7c-.7.4-1 .8-1 1.6M8 11.8h.01" />,
  drain: <path d="M8 2.5c2.4 3 3.8 4.9 3.8 7a3.8 3.8 0 0 1-7.6 0c0-2.1 1.4-4 3.8-7" />,
  warn: <path d="M8 2.3 14.3 13H1.7zM8 6.5v3M8 11.3h.01" />,
} as const;
export type IconName = keyof typeof paths;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {paths[name] as ComponentChildren}
    </svg>
  );
}

export function Logo() {
  return (
    <svg class="logo" width="26" height="26" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" class="logo-ground" />
      <circle cx="16" cy="16" r="9.5" class="logo-ring" />
      <path d="M16 10.5V16l4 2.6" class="logo-hand" />
    </svg>
  );
}
