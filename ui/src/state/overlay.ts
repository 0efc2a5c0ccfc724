// What lies over the page.
import { signal } from "@preact/signals";

export const overlay = signal<"palette" | "help" | null>(null);
