"""The page's theme: calm, system fonts only (nothing is fetched from elsewhere), light and dark."""

from __future__ import annotations

from gradio.themes import Base, colors, sizes

SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


SETTINGS = {
    "color_accent": "*primary_600",
    "button_border_width": "1px",
    "button_border_width_dark": "1px",
    "button_medium_text_weight": "500",
    "body_background_fill": "#faf9f7",
    "body_background_fill_dark": "#151413",
    "body_text_color": "*neutral_900",
    "body_text_color_dark": "*neutral_100",
    "body_text_color_subdued": "*neutral_600",
    "body_text_color_subdued_dark": "*neutral_400",
    "background_fill_primary": "white",
    "background_fill_primary_dark": "#1e1c1b",
    "background_fill_secondary": "#f3f1ee",
    "background_fill_secondary_dark": "#262423",
    "block_background_fill": "white",
    "block_background_fill_dark": "#1e1c1b",
    "block_border_color": "*neutral_200",
    "block_border_color_dark": "*neutral_800",
    "block_shadow": "none",
    "block_label_text_color": "*neutral_700",
    "block_label_text_color_dark": "*neutral_300",
    "border_color_primary": "*neutral_300",
    "border_color_primary_dark": "*neutral_700",
    "button_primary_background_fill": "*primary_700",
    "button_primary_background_fill_hover": "*primary_800",
    "button_primary_background_fill_dark": "*primary_700",
    "button_primary_background_fill_hover_dark": "*primary_600",
    "button_primary_text_color": "white",
    "button_primary_text_color_dark": "white",
    "button_secondary_background_fill": "white",
    "button_secondary_background_fill_hover": "*neutral_100",
    "button_secondary_background_fill_dark": "#262423",
    "button_secondary_background_fill_hover_dark": "*neutral_700",
    "button_secondary_border_color": "*neutral_300",
    "button_secondary_border_color_dark": "*neutral_700",
    "link_text_color": "*primary_800",
    "link_text_color_dark": "*primary_300",
    "link_text_color_hover": "*primary_900",
    "link_text_color_hover_dark": "*primary_200",
    "link_text_color_visited": "*primary_800",
    "link_text_color_visited_dark": "*primary_300",
}
"""Variables of gradio's themes; ``*name`` is another variable's value."""


def build_theme() -> Base:
    """The theme that ``launch()`` takes."""
    theme = Base(
        primary_hue=colors.teal,
        secondary_hue=colors.teal,
        neutral_hue=colors.stone,
        radius_size=sizes.radius_lg,
        text_size=sizes.text_md,
        spacing_size=sizes.spacing_md,
        font=SANS,
        font_mono=MONO,
    )
    return theme.set(**SETTINGS)
