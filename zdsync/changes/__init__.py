"""What the rules want of Zoho: plan it, guard it, write it down, do it, show it."""
