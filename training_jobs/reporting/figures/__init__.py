"""The report's drawings: inline SVG, sized in CSS pixels, styled by the page."""
