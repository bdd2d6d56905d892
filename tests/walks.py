"""Ways through a page with the keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab import Lab, serious_faults

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

FOCUSED = """selector => {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return Boolean(element?.matches(selector));
}"""

# Note each frame in which nothing has the focus, or what has it does not show that
WATCH = """() => {
  window.lost = [];
  let last = null;
  const look = () => {
    const now = document.activeElement;
    const seen = now !== document.body && now.matches(':focus-visible') && now.checkVisibility();
    if (!seen) window.lost.push(`after ${last?.outerHTML.slice(0, 200)}`);
    last = now;
    window.watching = requestAnimationFrame(look);
  };
  look();
}"""


def walk_to(page: Page, selector: str, key: str = "Tab") -> None:
    """Press a key until something of a selector has the focus."""
    for _ in range(60):
        if page.evaluate(FOCUSED, selector):
            return
        page.keyboard.press(key)
    pytest.fail(f"{key} does not lead to {selector}")


class Details:
    """The details of a run in a tab of JupyterLab, of which no pointer knows."""

    def __init__(self, lab: Lab) -> None:
        self.page, self.press = lab.page, lab.page.keyboard.press
        self.root = lab.page.locator(".nbt-view:visible")

    def has_focus(self, selector: str) -> None:
        """Wait until what somebody goes on from has the focus."""
        self.page.wait_for_function(f"selector => ({FOCUSED})(selector)", arg=selector)

    def walk(self, selector: str, key: str = "Tab") -> None:
        """Press a key until something of a selector has the focus."""
        walk_to(self.page, selector, key)

    def tab(self, name: str) -> Locator:
        """Go along the tabs to one of them; return its panel, without serious faults."""
        self.walk(".nbt-tab", "Shift+Tab")
        for _ in range(9):
            if self.root.get_by_role("tab", name=name, selected=True).count():
                break
            self.press("ArrowRight")
        self.has_focus("[role=tab][aria-selected=true]")
        return self.root.get_by_role("tabpanel", name=name)

    def is_fine(self) -> None:
        """Look for serious faults of what is shown."""
        assert serious_faults(self.page, ".nbt-view:not(.lm-mod-hidden)") == []
